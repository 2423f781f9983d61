// The ring, made with two tones; and the title that flashes with it.

const TONES_HZ = [660, 880];
const EVERY_MS = 2200;

let context;
let timer;
let title;

function ringOnce() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  const at = context.currentTime;
  TONES_HZ.forEach((hertz, index) => {
    const tone = new OscillatorNode(context, { frequency: hertz, type: "sine" });
    const volume = new GainNode(context, { gain: 0 });
    const begin = at + index * 0.18;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.16, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.55);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.6);
  });
}

/** Ring until `stopRinging`; `text` takes turns with the page's title. */
export function startRinging(text) {
  stopRinging();
  title = document.title;
  let on = false;
  const step = () => {
    document.title = (on = !on) ? text : title;
    if (on) ringOnce();
  };
  step();
  timer = setInterval(step, EVERY_MS / 2);
}

export function stopRinging() {
  if (!timer) return;
  clearInterval(timer);
  timer = undefined;
  document.title = title;
}
