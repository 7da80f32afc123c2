/** The page: what each button does, and what each message of the server changes. */

import { Benchmark } from "./benchmark.js";
import { Camera } from "./camera.js";
import { PALETTES } from "./colour_map.js";
import { Connection } from "./connection.js";
import { DepthRange } from "./depth_range.js";
import { DepthUnit } from "./depth_unit.js";
import { counted, coreList, milliseconds, sentence } from "./format.js";
import { FrameSender } from "./frame_sender.js";
import { ModelDialog } from "./model_dialog.js";
import { PairView } from "./pair_view.js";
import { onPhoto } from "./photo.js";
import { Readings } from "./readings.js";
import { Saving } from "./saving.js";
import { Scale } from "./scale.js";
import { say } from "./status.js";

const at = (id) => document.getElementById(id);
const on = (id, act) => at(id).addEventListener("click", act);

const connection = new Connection();
const camera = new Camera(at("video"));
const sender = new FrameSender(connection);
const range = new DepthRange();
const view = new PairView(readPoint);
const scale = new Scale(range, repaint);
const readings = new Readings();
const benchmark = new Benchmark(connection);
const saving = new Saving(view, caption);
const dialog = new ModelDialog(connection, load);

/** @type {import("./connection.js").Device | null} null while there is no connection */
let device = null;
/** @type {{package: import("./connection.js").Package, unit: DepthUnit} | null} */
let model = null;
/** Whether the model is loaded. */
let ready = false;
/** @type {ImageBitmap | null} the photo that is shown */
let photo = null;

/** @param {"nothing" | "pair" | "benchmark"} what */
function show(what) {
  at("stage").dataset.shows = what;
}

/** Buttons are there for what can be done now. */
function enable() {
  const idle = ready && !benchmark.running;
  at("load").disabled = benchmark.running || !device;
  at("camera").disabled = at("photo").disabled = !idle;
  at("run").disabled = !ready;
  at("camera").textContent = camera.running ? "Stop camera" : "Use camera";
  at("run").textContent = benchmark.running ? "Stop" : "Benchmark";
  saving.allow(camera.running);
}

function repaint() {
  const palette = PALETTES[at("palettes").value];
  if (model) view.show(range, palette, model.unit);
  scale.show(view.filled ? model.unit : null, palette);
}

function readPoint() {
  repaint();
  if (view.reading !== null) say(`At the point: ${model.unit.writePoint(view.reading)}.`);
}

function caption() {
  const words = `${model.package.name} on ${device?.name}, forward ${at("forward").textContent} ms`;
  return { near: at("near-value").textContent, far: at("far-value").textContent, words };
}

/**
 * @param {import("./connection.js").Package} one
 * @param {number} threads
 * @param {number[]} cpus
 */
function load(one, threads, cpus) {
  model = { package: one, unit: new DepthUnit(one.output) };
  ready = false;
  say(`Loading ${one.name}.`);
  connection.send({ type: "load", package: one.id, threads, cpus });
  enable();
}

async function useCamera() {
  say("Opening the camera.");
  try {
    await camera.start(
      (video) => ready && sender.offer(video, video.videoWidth, video.videoHeight),
      (why) => {
        stopCamera();
        say(why, { bad: true, offer: "instead" });
      },
    );
    photo = null;
    at("frame-name").textContent = "Camera";
    say("Tap a picture to read a point.");
    at("turn").hidden = !(await camera.several());
  } catch (error) {
    say(error.message, { bad: true, offer: "instead" });
  }
  enable();
}

function stopCamera() {
  saving.endClip();
  camera.stop();
  at("turn").hidden = true;
  enable();
}

/** @param {ImageBitmap} picture */
function usePhoto(picture) {
  stopCamera();
  photo?.close();
  photo = picture;
  at("frame-name").textContent = "Photo";
  say("Tap a picture to read a point.");
  sendPhoto();
}

function sendPhoto() {
  if (!ready || !photo) return;
  sender.forget();
  if (range.automatic) range.release();
  sender.offer(photo, photo.width, photo.height);
}

function runBenchmark() {
  stopCamera();
  sender.forget();
  show("benchmark");
  readings.begin();
  benchmark.start();
  say("The benchmark runs.");
  enable();
}

async function begin() {
  try {
    const found = await connection.packages();
    if (!connection.alive) return;
    device = found.device;
    at("device").textContent = device.name;
    readings.showTemperature(device.temperature_c);
    dialog.fill(found.packages, device.cores);
    if (dialog.chosen) load(dialog.chosen, dialog.threads, dialog.cpus);
    else say("There is no model yet: load one from a file.");
  } catch (error) {
    say(error.message, { bad: true, offer: "again" });
  }
  enable();
}

function end(why) {
  ready = false;
  device = null;
  if (benchmark.running) benchmark.fail("It was cut off.");
  stopCamera();
  say(why, { bad: true, offer: "again" });
}

/** @param {{threads: number, cpus: number[], load_ms: number}} loaded */
function startModel({ threads, cpus, load_ms: ms }) {
  const { package: one, unit } = model;
  ready = true;
  range.begin(unit);
  view.clear();
  readings.begin();
  sender.begin();
  at("model").textContent = `${one.name}, ${one.precision}, ${one.input.width} × ${one.input.height}`;
  at("meaning").textContent = unit.meaning;
  at("threads").textContent = String(threads);
  at("cores").textContent = cpus.length ? coreList(cpus) : "any";
  const parts = device.cores.filter((core) => cpus.includes(core.cpu)).map((core) => core.part);
  at("core-kind").textContent = [...new Set(parts.filter(Boolean))].join(", ");
  say(`${one.name} was loaded in ${milliseconds(ms)} ms.`);
  repaint();
  enable();
  sendPhoto();
}

/** @param {import("./wire.js").DepthMap} map */
function takeMap(map) {
  const image = sender.answered(map.number);
  if (!image || !ready || benchmark.running) return;
  show("pair");
  view.take(image, map);
  range.follow(map.values);
  repaint();
  readings.take(map, sender.dropped);
  saving.follow();
  enable();
}

/** @param {{milliseconds: number[], benchmark: number}} result */
function endBenchmark(result) {
  readings.showBenchmark(benchmark.finish(result));
  say(`${counted(result.milliseconds.length, "forward")} done; keep them as a record, or go on.`);
  enable();
}

/** @param {number} done forwards of a benchmark that was stopped */
function stopBenchmark(done) {
  benchmark.fail(`Stopped after ${counted(done, "forward")}.`);
  say("The benchmark was stopped.");
  enable();
}

/** @param {string} why the server could not do what it was asked */
function fail(why) {
  if (benchmark.running) benchmark.fail("It did not come to its end.");
  sender.forget();
  say(sentence(why), { bad: true });
  enable();
}

const HEARD = {
  open: begin,
  closed: end,
  loaded: startModel,
  map: takeMap,
  progress: ({ done }) => benchmark.advance(done),
  benchmark: endBenchmark,
  stopped: ({ done }) => stopBenchmark(done),
  recorded: () => say("Kept in the records of the computer that began this demo."),
  temperature: ({ celsius }) => readings.showTemperature(celsius),
  error: ({ message }) => fail(message),
};
for (const [type, act] of Object.entries(HEARD)) {
  connection.addEventListener(type, (event) => act(event.detail));
}

on("load", () => dialog.open());
on("again", () => connection.open());
on("camera", () => (camera.running ? stopCamera() : useCamera()));
on("turn", () => {
  camera.turn();
  useCamera();
});
on("run", () => (benchmark.running ? benchmark.stop() : runBenchmark()));
on("photo", () => at("photo-file").click());
on("instead", () => at("photo-file").click());
onPhoto(at("photo-file"), usePhoto, (why) => say(why, { bad: true }));
at("palettes").addEventListener("change", repaint);

repaint();
say("Connecting.");
connection.open();
