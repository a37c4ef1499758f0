/** The page's colours as canvas drawing needs them: custom properties resolved for the scheme that is shown now. */

/** The computed value of custom property `name` as a colour. */
export function resolveColour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Calls `changed` when the reader's system goes from light to dark or back; returns what ends that. */
export function onSchemeChange(changed: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}
