// Search by voice, where the browser can listen: the words appear while they are said, and the end
// of what is said searches. The browser listens, and may ask its maker; the shop hears nothing.

import { announce, dismiss, show } from "./notices.js";

// by the error of the Web Speech API; "aborted" is what the visitor wanted
const NOTICES = {
  "not-allowed": "voice-refused",
  "service-not-allowed": "voice-refused",
  "audio-capture": "voice-without-microphone",
  "no-speech": "voice-silent",
  "language-not-supported": "voice-failed",
  network: "voice-failed",
};

let box, button;
let listening = null; // the recognition at work
let before = ""; // the words of the box before somebody spoke

export function takeVoice() {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  if (!Recognition) return;
  box = document.querySelector("#q");
  button = document.querySelector("[data-voice]");
  button.hidden = false;
  button.addEventListener("click", () => (listening ? listening.stop() : listen(new Recognition())));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") listening?.abort();
  });
  window.addEventListener("pagehide", () => listening?.abort());
}

function listen(recognition) {
  dismiss();
  listening = recognition;
  before = box.value;
  let isFinal = false;
  let failure = null;
  Object.assign(recognition, { lang: document.documentElement.lang, interimResults: true, continuous: false });
  recognition.onresult = ({ results }) => {
    box.value = [...results].map((one) => one[0].transcript).join("").trim();
    isFinal = [...results].every((one) => one.isFinal);
  };
  recognition.onerror = ({ error }) => (failure = error);
  recognition.onend = () => finish(failure, isFinal);
  setListening(true);
  try {
    recognition.start();
  } catch {
    finish("audio-capture", false); // another page has the microphone
  }
}

// What was not said to the end is not searched for.
function finish(failure, isFinal) {
  listening = null;
  setListening(false);
  if (isFinal && !failure && box.value) return box.form.requestSubmit();
  box.value = before;
  const name = failure ? NOTICES[failure] : "voice-silent";
  if (name) show(name);
}

function setListening(isOn) {
  button.setAttribute("aria-pressed", String(isOn));
  if (isOn) announce(button.dataset.listening);
  if (isOn) box.dataset.placeholder = box.placeholder;
  box.placeholder = isOn ? button.dataset.listening : box.dataset.placeholder;
}
