// Makes the pages quick: results are swapped in place, and pictures come in by every way there is.
// Without this file everything still works, by forms and links.

import { askInPlace } from "./ask.js";
import { tellClicks } from "./clicks.js";
import { compareProducts } from "./compare.js";
import { filterInPlace } from "./facets.js";
import { keepFavourites } from "./favourites.js";
import { pageByChoice } from "./paging.js";
import { takePictures } from "./picture_input.js";
import { markRegions } from "./region.js";
import { swapSections } from "./sections.js";
import { suggestWords } from "./suggest.js";
import { talk } from "./talk.js";
import { arrive } from "./visit.js";
import { takeVoice } from "./voice.js";
import { explainHits } from "./why.js";

filterInPlace(); // before what follows all links alike
askInPlace();
takePictures();
markRegions();
suggestWords();
takeVoice();
tellClicks();
compareProducts();
explainHits();
pageByChoice();
keepFavourites();
swapSections();
talk();
arrive();
