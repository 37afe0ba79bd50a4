<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="10" classificationMax="10000000" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="10" maximumValue="10000000" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="0,34,78,255"/>
              <Option type="QString" name="color2" value="254,232,56,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="9.00001e-06;44,68,107,255:9.90001e-05;87,92,109,255:0.000999001;125,124,120,255:0.00999901;165,156,116,255:0.0999991;211,193,100,255"/>
            </Option>
            <prop k="color1" v="0,34,78,255"/>
            <prop k="color2" v="254,232,56,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="9.00001e-06;44,68,107,255:9.90001e-05;87,92,109,255:0.000999001;125,124,120,255:0.00999901;165,156,116,255:0.0999991;211,193,100,255"/>
          </colorramp>
          <item alpha="255" value="10" color="#00224e" label="10"/>
          <item alpha="255" value="100" color="#2c446b" label="100"/>
          <item alpha="255" value="1000" color="#575c6d" label="1,000"/>
          <item alpha="255" value="10000" color="#7d7c78" label="10,000"/>
          <item alpha="255" value="100000" color="#a59c74" label="100,000"/>
          <item alpha="255" value="1000000" color="#d3c164" label="1,000,000"/>
          <item alpha="255" value="10000000" color="#fee838" label="10,000,000"/>
          <rampLegendSettings suffix="" prefix="" useContinuousLegend="0" minimumLabel="" orientation="2" maximumLabel="" direction="0">
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
