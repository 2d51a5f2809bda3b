// Makes the pages quick: results are swapped in place, and pictures come in by every way there is.
// Without this file everything still works, by forms and links.

import { askInPlace } from "./ask.js";
import { tellClicks } from "./clicks.js";
import { compareProducts } from "./compare.js";
import { pageByChoice } from "./paging.js";
import { takePictures } from "./picture_input.js";
import { arrive } from "./visit.js";
import { explainHits } from "./why.js";

askInPlace();
takePictures();
tellClicks();
compareProducts();
explainHits();
pageByChoice();
arrive();
