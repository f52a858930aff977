// Runs before the first paint, so that the chosen theme never flashes.
try {
  const theme = localStorage.getItem("diorama.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {}
