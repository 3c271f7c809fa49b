// Words in the language that ComfyUI is set to.
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { ENGLISH } from "./english.js";

let translated = {};

async function served(language) {
  try {
    const answer = await api.fetchApi("/i18n");
    return answer.ok ? (await answer.json())?.[language]?.elect : null;
  } catch {
    return null;
  }
}

// Fetches the translations; without them, and before, the words are English.
export async function loadWords() {
  const language = app.extensionManager?.setting?.get("Comfy.Locale") ?? "en";
  if (language !== "en") translated = (await served(language)) ?? {};
}

export function say(key, values = {}) {
  const text = typeof translated[key] === "string" ? translated[key] : ENGLISH[key];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
