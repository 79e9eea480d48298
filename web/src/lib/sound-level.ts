/** How loud a track is, as long as the browser lets the page listen. */
import { LEVEL_EVERY_MS } from './limits';

/** As loud as speech a step away from the device: of 0 to 1, where 0 is -60 dB. */
const VOICE_LEVEL = 0.25;

export interface SoundLevel {
  level: number;
  isVoice: boolean;
}

/** Return the loudness of samples between -1 and 1: 0 is -60 dB or less, 1 as loud as can be. */
export function loudness(samples: Float32Array): SoundLevel {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const level = Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-9) + 60) / 60));
  return { level, isVoice: level > VOICE_LEVEL };
}

/** Report the loudness of a track until the returned function is called. */
export function watchLevel(
  track: MediaStreamTrack,
  report: (level: SoundLevel) => void,
): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  // Without a gesture the browser holds sound back; silence then says nothing about the microphone.
  const wake = (): void => void context.resume().catch(() => {});
  addEventListener('pointerdown', wake);
  const timer = setInterval(() => {
    if (context.state !== 'running') return;
    analyser.getFloatTimeDomainData(samples);
    report(loudness(samples));
  }, LEVEL_EVERY_MS);
  return () => {
    removeEventListener('pointerdown', wake);
    clearInterval(timer);
    void context.close();
  };
}
