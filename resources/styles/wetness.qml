<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="-0.6" classificationMax="0.6" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="-0.59999999999999998" maximumValue="0.59999999999999998" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="165,0,38,255"/>
              <Option type="QString" name="color2" value="49,54,149,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.1;215,48,39,255:0.2;244,109,67,255:0.3;253,174,97,255:0.4;254,224,144,255:0.5;255,255,191,255:0.6;224,243,248,255:0.7;171,217,233,255:0.8;116,173,209,255:0.9;69,117,180,255"/>
            </Option>
            <prop k="color1" v="165,0,38,255"/>
            <prop k="color2" v="49,54,149,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.1;215,48,39,255:0.2;244,109,67,255:0.3;253,174,97,255:0.4;254,224,144,255:0.5;255,255,191,255:0.6;224,243,248,255:0.7;171,217,233,255:0.8;116,173,209,255:0.9;69,117,180,255"/>
          </colorramp>
          <item alpha="255" value="-0.6" color="#a50026" label="-0.6"/>
          <item alpha="255" value="-0.48" color="#d73027" label="-0.48"/>
          <item alpha="255" value="-0.36" color="#f46d43" label="-0.36"/>
          <item alpha="255" value="-0.24" color="#fdae61" label="-0.24"/>
          <item alpha="255" value="-0.12" color="#fee090" label="-0.12"/>
          <item alpha="255" value="0" color="#ffffbf" label="0"/>
          <item alpha="255" value="0.12" color="#e0f3f8" label="0.12"/>
          <item alpha="255" value="0.24" color="#abd9e9" label="0.24"/>
          <item alpha="255" value="0.36" color="#74add1" label="0.36"/>
          <item alpha="255" value="0.48" color="#4575b4" label="0.48"/>
          <item alpha="255" value="0.6" color="#313695" label="0.6"/>
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
