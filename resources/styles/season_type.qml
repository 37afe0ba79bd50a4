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
        <paletteEntry alpha="255" value="0" color="#999999" label="outside all windows"/>
        <paletteEntry alpha="255" value="1" color="#0072b2" label="window 1 of the calendar"/>
        <paletteEntry alpha="255" value="2" color="#f0e442" label="window 2 of the calendar"/>
        <paletteEntry alpha="255" value="3" color="#cc6633" label="window 3 of the calendar"/>
        <paletteEntry alpha="255" value="4" color="#66ff99" label="window 4 of the calendar"/>
        <paletteEntry alpha="255" value="5" color="#660000" label="window 5 of the calendar"/>
        <paletteEntry alpha="255" value="6" color="#9900ff" label="window 6 of the calendar"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
