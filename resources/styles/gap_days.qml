<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="0" classificationMax="120" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="0" maximumValue="120" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="255,255,229,255"/>
              <Option type="QString" name="color2" value="102,37,6,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.125;255,247,188,255:0.25;254,227,144,255:0.375;254,195,79,255:0.5;254,152,41,255:0.625;235,111,20,255:0.75;203,75,2,255:0.875;152,52,4,255"/>
            </Option>
            <prop k="color1" v="255,255,229,255"/>
            <prop k="color2" v="102,37,6,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.125;255,247,188,255:0.25;254,227,144,255:0.375;254,195,79,255:0.5;254,152,41,255:0.625;235,111,20,255:0.75;203,75,2,255:0.875;152,52,4,255"/>
          </colorramp>
          <item alpha="255" value="0" color="#ffffe5" label="0 days"/>
          <item alpha="255" value="15" color="#fff7bc" label="15 days"/>
          <item alpha="255" value="30" color="#fee390" label="30 days"/>
          <item alpha="255" value="45" color="#fec34f" label="45 days"/>
          <item alpha="255" value="60" color="#fe9829" label="60 days"/>
          <item alpha="255" value="75" color="#eb6f14" label="75 days"/>
          <item alpha="255" value="90" color="#cb4b02" label="90 days"/>
          <item alpha="255" value="105" color="#983404" label="105 days"/>
          <item alpha="255" value="120" color="#662506" label="120 days"/>
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
