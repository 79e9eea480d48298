/** Make a picture small enough to send over a bad line, and drop what it tells beside itself (place, device). */

const SIDE_MAX = 2_048;
const QUALITY = 0.85;
/** Screenshots are drawn sharp; they stay as they are up to this many bytes. */
const PNG_MAX = 1_000_000;

/** Return the picture to send; the file itself if it is no picture, or one this browser cannot read. */
export async function smaller(file: File): Promise<Blob> {
  const isDrawn = file.type === 'image/png' && file.size <= PNG_MAX;
  if (!file.type.startsWith('image/') || file.type === 'image/gif' || isDrawn) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const made = await new Promise<Blob | null>((resolve) =>
      canvas.toBlob(resolve, 'image/jpeg', QUALITY),
    );
    return made ?? file;
  } catch {
    return file;
  }
}
