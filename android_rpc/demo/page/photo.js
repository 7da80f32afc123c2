/** A picture from the gallery, as a canvas can draw it. */

const PICTURE = "That file is no picture that this browser can read: choose a JPEG or PNG.";

/**
 * Lets a person choose a file; turned upright as its EXIF says.
 * @param {HTMLInputElement} input
 * @param {(picture: ImageBitmap) => void} chosen
 * @param {(why: string) => void} refused with one sentence
 */
export function onPhoto(input, chosen, refused) {
  input.addEventListener("change", async () => {
    const file = input.files[0];
    input.value = "";
    if (!file) return;
    try {
      chosen(await createImageBitmap(file));
    } catch {
      refused(PICTURE);
    }
  });
}
