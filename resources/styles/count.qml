<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="0" classificationMax="73" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="0" maximumValue="73" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="0,34,78,255"/>
              <Option type="QString" name="color2" value="254,232,56,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.142857;33,59,110,255:0.285714;76,85,108,255:0.428571;108,110,114,255:0.571429;142,137,120,255:0.714286;177,165,112,255:0.857143;217,197,92,255"/>
            </Option>
            <prop k="color1" v="0,34,78,255"/>
            <prop k="color2" v="254,232,56,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.142857;33,59,110,255:0.285714;76,85,108,255:0.428571;108,110,114,255:0.571429;142,137,120,255:0.714286;177,165,112,255:0.857143;217,197,92,255"/>
          </colorramp>
          <item alpha="255" value="0" color="#00224e" label="0"/>
          <item alpha="255" value="10.428571" color="#213b6e" label="10.4286"/>
          <item alpha="255" value="20.857143" color="#4c556c" label="20.8571"/>
          <item alpha="255" value="31.285714" color="#6c6e72" label="31.2857"/>
          <item alpha="255" value="41.714286" color="#8e8978" label="41.7143"/>
          <item alpha="255" value="52.142857" color="#b1a570" label="52.1429"/>
          <item alpha="255" value="62.571429" color="#d9c55c" label="62.5714"/>
          <item alpha="255" value="73" color="#fee838" label="73"/>
          <rampLegendSettings suffix="" prefix="" useContinuousLegend="1" minimumLabel="" orientation="2" maximumLabel="" direction="0">
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
