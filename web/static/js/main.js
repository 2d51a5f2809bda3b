// Makes the pages quick: results are swapped in place, and pictures come in by every way there is.
// Without this file everything still works, by forms and links.

import { askInPlace } from "./ask.js";
import { tellClicks } from "./clicks.js";
import { keepFavourites } from "./favourites.js";
import { openGalleries } from "./gallery.js";
import { takePictures } from "./picture_input.js";
import { swapSections } from "./sections.js";
import { arrive } from "./visit.js";

askInPlace();
takePictures();
tellClicks();
openGalleries();
keepFavourites();
swapSections();
arrive();
