/** Three rising notes, to hear whether this device makes a sound. No file is loaded. */
const NOTES_HZ = [523.25, 659.25, 783.99] as const;
const NOTE_S = 0.35;

/** Play the notes. To be called from a tap; resolves when they are over. */
export async function playChime(context: AudioContext = new AudioContext()): Promise<void> {
  await context.resume();
  const last = NOTES_HZ.map((frequencyHz, n) => {
    const startS = context.currentTime + n * NOTE_S;
    const note = context.createOscillator();
    const gain = context.createGain();
    note.frequency.value = frequencyHz;
    // Faded in and out: a note that starts at full strength clicks.
    gain.gain.setValueAtTime(0, startS);
    gain.gain.linearRampToValueAtTime(0.4, startS + 0.03);
    gain.gain.linearRampToValueAtTime(0, startS + NOTE_S);
    note.connect(gain).connect(context.destination);
    note.start(startS);
    note.stop(startS + NOTE_S);
    return note;
  }).at(-1);
  await new Promise<void>((resolve) => last?.addEventListener('ended', () => resolve()));
  await context.close();
}
