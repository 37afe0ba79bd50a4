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
        <paletteEntry alpha="255" value="0" color="#ffffff" label="no data"/>
        <paletteEntry alpha="255" value="1" color="#009e73" label="complete season"/>
        <paletteEntry alpha="255" value="2" color="#f0e442" label="begins before the series: no start"/>
        <paletteEntry alpha="255" value="3" color="#66ccff" label="ends after the series: no end"/>
        <paletteEntry alpha="255" value="4" color="#00ff99" label="longer than the series: no start, no end"/>
        <paletteEntry alpha="255" value="5" color="#d0d0d0" label="fewer seasons than this"/>
        <paletteEntry alpha="255" value="6" color="#996699" label="no season: too little change (evergreen, water, bare)"/>
        <paletteEntry alpha="255" value="7" color="#333399" label="no season: too few dates"/>
        <paletteEntry alpha="255" value="8" color="#cc00ff" label="withheld: too long a gap in the season"/>
        <paletteEntry alpha="255" value="9" color="#333333" label="withheld: too few observations in the season"/>
        <paletteEntry alpha="255" value="10" color="#cc3300" label="the threshold is not crossed on both sides"/>
        <paletteEntry alpha="255" value="11" color="#000000" label="no fit: measured on the curve instead"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
