<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="0" classificationMax="0.8" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="0" maximumValue="0.80000000000000004" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="255,255,229,255"/>
              <Option type="QString" name="color2" value="0,69,41,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.125;247,252,185,255:0.25;217,240,163,255:0.375;173,221,142,255:0.5;120,198,121,255:0.625;65,171,93,255:0.75;35,132,67,255:0.875;0,104,55,255"/>
            </Option>
            <prop k="color1" v="255,255,229,255"/>
            <prop k="color2" v="0,69,41,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.125;247,252,185,255:0.25;217,240,163,255:0.375;173,221,142,255:0.5;120,198,121,255:0.625;65,171,93,255:0.75;35,132,67,255:0.875;0,104,55,255"/>
          </colorramp>
          <item alpha="255" value="0" color="#ffffe5" label="0"/>
          <item alpha="255" value="0.1" color="#f7fcb9" label="0.1"/>
          <item alpha="255" value="0.2" color="#d9f0a3" label="0.2"/>
          <item alpha="255" value="0.3" color="#addd8e" label="0.3"/>
          <item alpha="255" value="0.4" color="#78c679" label="0.4"/>
          <item alpha="255" value="0.5" color="#41ab5d" label="0.5"/>
          <item alpha="255" value="0.6" color="#238443" label="0.6"/>
          <item alpha="255" value="0.7" color="#006837" label="0.7"/>
          <item alpha="255" value="0.8" color="#004529" label="0.8"/>
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
