// What a user is doing with the page, so that it does not move below their hands.

const FIELDS = "select, textarea, input:not([type=checkbox]):not([type=radio]):not([type=file])";
const isInField = () => Boolean(document.activeElement?.matches(FIELDS));

export class Attention {
  constructor() {
    this.isElsewhere = false;
    const look = () => (this.isElsewhere = true);
    for (const name of ["wheel", "pointerdown", "touchmove", "keydown"]) addEventListener(name, look, { passive: true, capture: true });
  }

  // Work begins: from now on the page may scroll to its result, until the user does anything else.
  begin() {
    this.isElsewhere = false;
  }

  get isFree() {
    return !this.isElsewhere && !isInField();
  }
}

// Change the page, and keep what the user looks at in its place of the window.
export function holdPlace(change) {
  const looked = isInField() ? document.activeElement : document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  const before = looked?.getBoundingClientRect().top;
  change();
  if (looked?.isConnected && looked.offsetParent) scrollBy({ top: looked.getBoundingClientRect().top - before, behavior: "instant" });
}

// Change the page, and keep the field that is typed in, if any, in its place.
export function holdField(change) {
  if (isInField()) holdPlace(change);
  else change();
}
