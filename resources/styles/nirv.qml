<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="-0.05" classificationMax="0.5" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="-0.050000000000000003" maximumValue="0.5" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="110,63,14,255"/>
              <Option type="QString" name="color2" value="0,63,58,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.1;161,112,47,255:0.2;201,157,92,255:0.3;230,203,152,255:0.4;247,239,214,255:0.5;196,230,214,255:0.6;134,204,182,255:0.7;71,171,149,255:0.8;20,137,122,255:0.9;0,99,87,255"/>
            </Option>
            <prop k="color1" v="110,63,14,255"/>
            <prop k="color2" v="0,63,58,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.1;161,112,47,255:0.2;201,157,92,255:0.3;230,203,152,255:0.4;247,239,214,255:0.5;196,230,214,255:0.6;134,204,182,255:0.7;71,171,149,255:0.8;20,137,122,255:0.9;0,99,87,255"/>
          </colorramp>
          <item alpha="255" value="-0.05" color="#6e3f0e" label="-0.05"/>
          <item alpha="255" value="0.005" color="#a1702f" label="0.005"/>
          <item alpha="255" value="0.06" color="#c99d5c" label="0.06"/>
          <item alpha="255" value="0.115" color="#e6cb98" label="0.115"/>
          <item alpha="255" value="0.17" color="#f7efd6" label="0.17"/>
          <item alpha="255" value="0.225" color="#c4e6d6" label="0.225"/>
          <item alpha="255" value="0.28" color="#86ccb6" label="0.28"/>
          <item alpha="255" value="0.335" color="#47ab95" label="0.335"/>
          <item alpha="255" value="0.39" color="#14897a" label="0.39"/>
          <item alpha="255" value="0.445" color="#006357" label="0.445"/>
          <item alpha="255" value="0.5" color="#003f3a" label="0.5"/>
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
