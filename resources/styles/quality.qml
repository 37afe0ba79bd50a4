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
        <paletteEntry alpha="255" value="0" color="#d9d9d9" label="no data"/>
        <paletteEntry alpha="255" value="1" color="#009e73" label="observed"/>
        <paletteEntry alpha="255" value="2" color="#56b4e9" label="filled with radar support"/>
        <paletteEntry alpha="255" value="3" color="#0072b2" label="filled from neighbours in time"/>
        <paletteEntry alpha="255" value="4" color="#000000" label="beyond the longest gap allowed"/>
        <paletteEntry alpha="255" value="5" color="#e69f00" label="before the first or after the last observation"/>
        <paletteEntry alpha="255" value="6" color="#cc79a7" label="too few observations"/>
        <paletteEntry alpha="255" value="7" color="#d55e00" label="constant or invalid series"/>
        <paletteEntry alpha="255" value="8" color="#f0e442" label="did not converge, fallback used"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
