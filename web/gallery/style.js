// The pack's style sheets, which the page adopts; every selector names something of ours.
export function adoptStyle(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets.push(sheet);
}

export async function adoptStyleFile(address) {
  adoptStyle(await (await fetch(address)).text());
}
