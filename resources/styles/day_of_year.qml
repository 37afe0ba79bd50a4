<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" classificationMin="1" classificationMax="366" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <rastershader>
        <colorrampshader clip="0" minimumValue="1" maximumValue="366" colorRampType="INTERPOLATED" classificationMode="1" labelPrecision="6">
          <colorramp type="gradient" name="[source]">
            <Option type="Map">
              <Option type="QString" name="color1" value="226,217,226,255"/>
              <Option type="QString" name="color2" value="226,217,226,255"/>
              <Option type="QString" name="discrete" value="0"/>
              <Option type="QString" name="rampType" value="gradient"/>
              <Option type="QString" name="stops" value="0.0849315;179,198,206,255:0.161644;123,161,194,255:0.246575;98,118,186,255:0.328767;94,67,165,255:0.413699;78,24,111,255:0.49589;47,20,54,255:0.580822;88,22,71,255:0.665753;142,44,80,255:0.747945;178,86,82,255:0.832877;198,137,108,255:0.915068;212,188,172,255"/>
            </Option>
            <prop k="color1" v="226,217,226,255"/>
            <prop k="color2" v="226,217,226,255"/>
            <prop k="discrete" v="0"/>
            <prop k="rampType" v="gradient"/>
            <prop k="stops" v="0.0849315;179,198,206,255:0.161644;123,161,194,255:0.246575;98,118,186,255:0.328767;94,67,165,255:0.413699;78,24,111,255:0.49589;47,20,54,255:0.580822;88,22,71,255:0.665753;142,44,80,255:0.747945;178,86,82,255:0.832877;198,137,108,255:0.915068;212,188,172,255"/>
          </colorramp>
          <item alpha="255" value="1" color="#e2d9e2" label="1 January"/>
          <item alpha="255" value="32" color="#b3c6ce" label="1 February"/>
          <item alpha="255" value="60" color="#7ba1c2" label="1 March"/>
          <item alpha="255" value="91" color="#6276ba" label="1 April"/>
          <item alpha="255" value="121" color="#5e43a5" label="1 May"/>
          <item alpha="255" value="152" color="#4e186f" label="1 June"/>
          <item alpha="255" value="182" color="#2f1436" label="1 July"/>
          <item alpha="255" value="213" color="#581647" label="1 August"/>
          <item alpha="255" value="244" color="#8e2c50" label="1 September"/>
          <item alpha="255" value="274" color="#b25652" label="1 October"/>
          <item alpha="255" value="305" color="#c6896c" label="1 November"/>
          <item alpha="255" value="335" color="#d4bcac" label="1 December"/>
          <item alpha="255" value="366" color="#e2d9e2" label="31 December"/>
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
