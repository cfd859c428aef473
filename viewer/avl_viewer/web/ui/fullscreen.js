/**
 * Full screen of a page, where the browser gives all keys to the desktop if it can.
 */

/** Have the whole screen, or give it back. @param {(text: string) => void} tell */
export async function toggleFullScreen(tell) {
  const keyboard = /** @type {any} */ (navigator).keyboard;
  if (document.fullscreenElement) {
    keyboard?.unlock?.();
    await document.exitFullscreen();
    return;
  }
  try {
    await document.documentElement.requestFullscreen({ navigationUI: "hide" });
    await keyboard?.lock?.();
    tell(keyboard?.lock ? "All keys go to the desktop. Hold Esc, or press Ctrl+Alt+Shift+F, to leave full screen." : "Press Esc to leave full screen.");
  } catch (error) {
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    if (!document.fullscreenElement) tell("The browser did not allow full screen here.");
  }
}
