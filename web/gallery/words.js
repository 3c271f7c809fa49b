// Words in the language that ComfyUI is set to.
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { ENGLISH } from "./english.js";

let translated = {};

// Fetches the translations; without them, and before, the words are English.
export async function loadWords() {
  const language = app.extensionManager?.setting?.get("Comfy.Locale") ?? "en";
  if (language === "en") return;
  const answer = await api.fetchApi("/i18n");
  if (answer.ok) translated = (await answer.json())[language]?.elect ?? {};
}

export function say(key, values = {}) {
  const text = translated[key] ?? ENGLISH[key];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
