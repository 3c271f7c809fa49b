// Moving over tiles by keyboard: one tile is in the tab order, arrows go to its neighbours.

export function columnsOf(grid) {
  const tops = [...grid.children].map((tile) => tile.offsetTop);
  const first = tops.findIndex((top) => top > tops[0]);
  return first < 0 ? Math.max(1, tops.length) : first;
}

export function steps(grid) {
  const columns = columnsOf(grid);
  return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
}

export function focusTile(grid, place) {
  const tiles = [...grid.children];
  const tile = tiles[Math.min(Math.max(place, 0), tiles.length - 1)];
  for (const other of tiles) other.tabIndex = other === tile ? 0 : -1;
  tile?.focus();
}

// Handles a key that moves; true if it was one.
export function moveFocus(grid, event) {
  const place = [...grid.children].indexOf(event.target.closest(".elect-tile"));
  const step = steps(grid)[event.key];
  if (step) focusTile(grid, place + step);
  else if (event.key === "Home") focusTile(grid, 0);
  else if (event.key === "End") focusTile(grid, grid.children.length - 1);
  else return false;
  return true;
}
