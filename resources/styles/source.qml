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
        <paletteEntry alpha="255" value="0" color="#d9d9d9" label="none"/>
        <paletteEntry alpha="255" value="1" color="#0072b2" label="series 1"/>
        <paletteEntry alpha="255" value="2" color="#e69f00" label="series 2"/>
        <paletteEntry alpha="255" value="3" color="#56b4e9" label="series 3"/>
        <paletteEntry alpha="255" value="4" color="#d55e00" label="series 4"/>
        <paletteEntry alpha="255" value="5" color="#cc79a7" label="series 5"/>
        <paletteEntry alpha="255" value="6" color="#f0e442" label="series 6"/>
        <paletteEntry alpha="255" value="7" color="#009e73" label="observed"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
