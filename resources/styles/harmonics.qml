<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="-1" classificationMax="10" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="-1" maximumValue="10" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="0,158,115,255"/>
              <Option type="QString" name="color2" value="213,94,0,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.0909091;0,0,0,255:0.181818;240,228,66,255:0.545455;230,159,0,255"/>
            </Option>
            <prop k="color1" v="0,158,115,255"/>
            <prop k="color2" v="213,94,0,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.0909091;0,0,0,255:0.181818;240,228,66,255:0.545455;230,159,0,255"/>
          </colorramp>
          <item alpha="255" value="-1" color="#009e73" label="observed"/>
          <item alpha="255" value="0" color="#000000" label="none possible"/>
          <item alpha="255" value="1" color="#f0e442" label="1 harmonic"/>
          <item alpha="255" value="5" color="#e69f00" label="5 harmonics"/>
          <item alpha="255" value="10" color="#d55e00" label="10 harmonics or more"/>
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
