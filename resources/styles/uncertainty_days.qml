<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="0" classificationMax="16" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="0" maximumValue="16" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="252,253,191,255"/>
              <Option type="QString" name="color2" value="0,0,4,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.125;254,196,136,255:0.25;252,137,97,255:0.375;231,82,99,255:0.5;183,55,121,255:0.625;131,38,129,255:0.75;81,18,124,255:0.875;29,17,71,255"/>
            </Option>
            <prop k="color1" v="252,253,191,255"/>
            <prop k="color2" v="0,0,4,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.125;254,196,136,255:0.25;252,137,97,255:0.375;231,82,99,255:0.5;183,55,121,255:0.625;131,38,129,255:0.75;81,18,124,255:0.875;29,17,71,255"/>
          </colorramp>
          <item alpha="255" value="0" color="#fcfdbf" label="0 days"/>
          <item alpha="255" value="2" color="#fec488" label="2 days"/>
          <item alpha="255" value="4" color="#fc8961" label="4 days"/>
          <item alpha="255" value="6" color="#e75263" label="6 days"/>
          <item alpha="255" value="8" color="#b73779" label="8 days"/>
          <item alpha="255" value="10" color="#832681" label="10 days"/>
          <item alpha="255" value="12" color="#51127c" label="12 days"/>
          <item alpha="255" value="14" color="#1d1147" label="14 days"/>
          <item alpha="255" value="16" color="#000004" label="16 days"/>
          <rampLegendSettings suffix=" days" prefix="" useContinuousLegend="1" minimumLabel="" orientation="2" maximumLabel="" direction="0">
            <numericFormat id="basic">
              <Option type="Map">
                <Option type="QChar" name="decimal_separator" value=""/>
                <Option type="int" name="decimals" value="6"/>
                <Option type="int" name="rounding_type" value="0"/>
                <Option type="bool" name="show_plus" value="false"/>
                <Option type="bool" name="show_thousand_separator" value="true"/>
                <Option type="bool" name="show_trailing_zeros" value="false"/>
                <Option type="QChar" name="thousand_separator" value=""/>
              </Option>
            </numericFormat>
          </rampLegendSettings>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
  </pipe>
</qgis>
