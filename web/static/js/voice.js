// Searching by voice, where the browser can listen. It may ask a service of its maker; the shop hears
// nothing but the words.

import { show } from "./notices.js";

export function listenForWords() {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  const button = document.querySelector("[data-voice]");
  if (!Recognition) return; // the button stays hidden
  button.hidden = false;
  const box = document.querySelector("#q");
  let listening = null;

  button.addEventListener("click", () => {
    if (listening) listening.stop();
    else listen();
  });

  function listen() {
    const before = box.value;
    listening = Object.assign(new Recognition(), {
      lang: document.documentElement.lang,
      interimResults: true,
      continuous: false,
    });
    let final = false;
    listening.onresult = (event) => {
      box.value = [...event.results].map((result) => result[0].transcript).join("").trim();
      final = [...event.results].every((result) => result.isFinal);
    };
    listening.onerror = ({ error }) => {
      box.value = before;
      final = false;
      if (error !== "aborted") show(error === "no-speech" ? "voice-silent" : "voice-refused");
    };
    listening.onend = () => {
      listening = null;
      button.setAttribute("aria-pressed", "false");
      if (final && box.value) box.form.requestSubmit();
      else box.focus();
    };
    button.setAttribute("aria-pressed", "true");
    listening.start();
  }
}
