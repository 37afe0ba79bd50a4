<!DOCTYPE qgis>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" alphaBand="-1" opacity="1" nodataColor="">
      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>
      <colorPalette>
        <paletteEntry alpha="255" value="0" color="#d9d9d9" label="too few hidden values"/>
        <paletteEntry alpha="255" value="1" color="#000000" label="linear"/>
        <paletteEntry alpha="255" value="2" color="#e69f00" label="whittaker"/>
        <paletteEntry alpha="255" value="3" color="#f0e442" label="harmonic"/>
        <paletteEntry alpha="255" value="4" color="#0072b2" label="mogpr scene"/>
        <paletteEntry alpha="255" value="5" color="#56b4e9" label="mogpr shared"/>
        <paletteEntry alpha="255" value="6" color="#cc79a7" label="mogpr pixel"/>
        <paletteEntry alpha="255" value="7" color="#009e73" label="too close to call"/>
        <paletteEntry alpha="255" value="8" color="#990000" label="first model"/>
        <paletteEntry alpha="255" value="9" color="#9933ff" label="second model"/>
        <paletteEntry alpha="255" value="10" color="#330099" label="third model"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
