// Frames of a contact sheet: the frame number is the seed.

function link(text, href, name) {
  const made = document.createElement("a");
  made.textContent = text;
  made.href = href;
  if (name) made.download = name;
  return made;
}

export function frame(picture, { prompt, model, onReuse }) {
  const item = document.createElement("li");
  const number = document.createElement("div");
  number.className = "number";
  const seed = document.createElement("span");
  seed.className = "seed";
  seed.textContent = picture.seed === null ? "no seed" : `▸ ${picture.seed}`;
  const size = document.createElement("span");
  size.textContent = `${picture.width}×${picture.height}`;
  number.append(seed, size);

  const open = link("", picture.url);
  open.setAttribute("aria-label", `Open: ${prompt}`);
  const image = new Image();
  image.loading = "lazy";
  image.decoding = "async";
  image.src = picture.thumbnail_url;
  image.alt = prompt;
  open.append(image);

  const line = document.createElement("div");
  line.className = "line";
  line.textContent = prompt;
  line.title = `${prompt} (${model})`;

  const links = document.createElement("div");
  links.className = "links";
  links.append(link("Download", `${picture.url}?download=true`, picture.filename));
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Reuse";
  again.addEventListener("click", () => onReuse({ prompt, model, seed: picture.seed }));
  links.append(again);
  item.append(number, open, line, links);
  return item;
}
