// Makes the pages quick: results are swapped in place, and pictures come in by every way there is.
// Without this file everything still works, by forms and links.

import { askInPlace } from "./ask.js";
import { tellClicks } from "./clicks.js";
import { filterInPlace } from "./facets.js";
import { keepPlace } from "./languages.js";
import { takePictures } from "./picture_input.js";
import { talk } from "./talk.js";
import { arrive } from "./visit.js";

filterInPlace(); // before what follows all links alike
askInPlace();
takePictures();
tellClicks();
talk();
keepPlace();
arrive();
