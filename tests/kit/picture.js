// Injected into pages before anything else. The camera becomes a canvas that draws a code (who, when), the
// microphone an oscillator whose pitch says who, the screen another canvas; `lab` reads what arrived.
// The layout of the code is that of remote_assist/robot/picture_code.py.
(() => {
  const COLUMNS = 22, CLOCK_BITS = 36n;
  const options = Object.assign({ sign: 1, screenSign: 8, colour: '#a03030', camera: 'ok', microphone: 'ok', fps: 15, phone: false }, window.__lab);
  const lab = (window.lab = { options, pcs: [], marks: {}, tone: 400 + 150 * options.sign });

  const check = (v) => { let x = 0b1010n; for (let s = 0n; s < 40n; s += 4n) x ^= (v >> s) & 15n; return x };
  const drawCode = (g, w, sign, ms) => {
    const v = (BigInt(sign) << CLOCK_BITS) | (BigInt(Math.round(ms)) & ((1n << CLOCK_BITS) - 1n));
    const all = (v << 4n) | check(v), cell = w / COLUMNS;
    for (let i = 0; i < 44; i++) {
      g.fillStyle = (all >> BigInt(43 - i)) & 1n ? '#fff' : '#000';
      g.fillRect(Math.floor((i % COLUMNS) * cell), Math.floor(Math.floor(i / COLUMNS) * cell), Math.ceil(cell), Math.ceil(cell));
    }
  };
  const now = () => performance.timeOrigin + performance.now();

  const canvasTrack = (sign, colour, w, h) => {
    const canvas = document.createElement('canvas');
    canvas.width = w; canvas.height = h;
    const g = canvas.getContext('2d', { alpha: false });
    let n = 0;
    const draw = () => {
      g.fillStyle = colour; g.fillRect(0, 0, w, h);
      g.fillStyle = 'rgba(255,255,255,.35)'; g.fillRect((n * 7) % w, h / 2, w / 6, h / 5); n++;
      drawCode(g, w, sign, now());
    };
    draw();
    const timer = setInterval(draw, 1000 / options.fps);
    const track = canvas.captureStream(options.fps).getVideoTracks()[0], stop = track.stop.bind(track);
    track.stop = () => { clearInterval(timer); stop() };
    return track;
  };
  const toneTrack = () => {
    const audio = (lab.audio ??= new AudioContext()), oscillator = audio.createOscillator(), gain = audio.createGain();
    const out = audio.createMediaStreamDestination();
    oscillator.frequency.value = lab.tone; gain.gain.value = 0.15;
    oscillator.connect(gain).connect(out); oscillator.start();
    return out.stream.getAudioTracks()[0];
  };

  // A phone's two cameras; a real one gives them one at a time.
  const CAMERAS = [
    { deviceId: 'cam-front', label: 'camera2 1, facing front', facing: 'user', colour: '#2a62c8' },
    { deviceId: 'cam-back', label: 'camera2 0, facing back', facing: 'environment', colour: '#2f9e44' },
  ];
  const value = (want) => (want && typeof want === 'object' ? want.exact ?? want.ideal : want);
  const phoneTrack = (want) => {
    if ((lab.cameras ??= []).some((track) => track.readyState === 'live')) throw new DOMException('one at a time', 'NotReadableError');
    const id = value(want.deviceId), facing = value(want.facingMode) ?? 'user';
    const camera = CAMERAS.find((c) => c.deviceId === id) ?? CAMERAS.find((c) => c.facing === facing);
    const track = canvasTrack(options.sign, camera.colour, 480, 640), settings = track.getSettings.bind(track);
    Object.defineProperty(track, 'label', { value: camera.label });
    track.getSettings = () => ({ ...settings(), deviceId: camera.deviceId, facingMode: camera.facing });
    lab.cameras.push(track);
    return track;
  };
  // What a page notices when a device is unplugged or its permission is taken back.
  lab.given = [];
  lab.revoke = (kind, error) => {
    options[kind === 'video' ? 'camera' : 'microphone'] = error;
    for (const track of lab.given.filter((t) => t.kind === kind && t.readyState === 'live')) {
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
  };
  const media = navigator.mediaDevices;
  if (media) {
    const enumerate = media.enumerateDevices.bind(media);
    media.getUserMedia = async (want = {}) => {
      const broken = [want.video && options.camera, want.audio && options.microphone].find((e) => e && e !== 'ok');
      if (broken) throw new DOMException('as told by the test', broken);
      const stream = new MediaStream();
      if (want.audio) stream.addTrack(toneTrack());
      if (want.video) stream.addTrack(options.phone ? phoneTrack(want.video) : canvasTrack(options.sign, options.colour, 640, 480));
      lab.given.push(...stream.getTracks());
      return stream;
    };
    if (options.phone) media.enumerateDevices = async () => [
      ...(await enumerate()).filter(({ kind }) => kind !== 'videoinput'),
      ...CAMERAS.map(({ deviceId, label }) => ({ kind: 'videoinput', deviceId, label, groupId: deviceId })),
    ];
    media.getDisplayMedia = async () => new MediaStream([canvasTrack(options.screenSign, '#305090', 960, 540)]);
  }

  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args); lab.pcs.push(this);
      this.addEventListener('datachannel', (e) => { (lab.channels ??= []).push(e.channel) });
    }
    createDataChannel(...args) { const c = super.createDataChannel(...args); (lab.channels ??= []).push(c); return c }
  };
  lab.pc = () => lab.pcs.findLast((pc) => pc.connectionState !== 'closed');

  const canvas = document.createElement('canvas'), g = canvas.getContext('2d', { willReadFrequently: true });
  lab.video = (testid) => {
    const box = document.querySelector(`[data-testid="${testid}"]`);
    return !box ? null : box instanceof HTMLVideoElement ? box : box.querySelector('video');
  };
  // -> {sign, age, colour, width} of the picture a <video> shows now, or null when it holds no valid code
  lab.read = (testid) => {
    const v = lab.video(testid);
    if (!v || !v.videoWidth) return null;
    canvas.width = v.videoWidth; canvas.height = v.videoHeight; g.drawImage(v, 0, 0);
    const cell = canvas.width / COLUMNS, d = g.getImageData(0, 0, canvas.width, canvas.height).data;
    let all = 0n;
    for (let i = 0; i < 44; i++) {
      const x = Math.floor(((i % COLUMNS) + 0.5) * cell), y = Math.floor((Math.floor(i / COLUMNS) + 0.5) * cell);
      all = (all << 1n) | (d[(y * canvas.width + x) * 4 + 1] > 127 ? 1n : 0n);
    }
    const v40 = all >> 4n;
    if (check(v40) !== (all & 15n)) return null;
    const mask = (1n << CLOCK_BITS) - 1n;
    const age = Number((BigInt(Math.round(now())) - (v40 & mask)) & mask);
    const at = (Math.floor(canvas.height * 0.9) * canvas.width + 8) * 4;
    return { sign: Number(v40 >> CLOCK_BITS), age, clock: Number(v40 & mask), colour: [...d.slice(at, at + 3)], width: canvas.width };
  };
  // -> the loudest pitch in Hz of the received audio, or 0 when it is silent
  lab.pitch = async () => {
    const track = lab.pc()?.getReceivers().map((r) => r.track).find((t) => t?.kind === 'audio' && t.readyState === 'live');
    if (!track) return 0;
    const audio = (lab.audio ??= new AudioContext());
    await audio.resume();
    const source = audio.createMediaStreamSource(new MediaStream([track])), analyser = audio.createAnalyser();
    analyser.fftSize = 8192; source.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    await new Promise((r) => setTimeout(r, 400));
    analyser.getFloatFrequencyData(bins); source.disconnect();
    let best = 0;
    bins.forEach((db, i) => { if (db > bins[best]) best = i });
    return bins[best] < -70 ? 0 : (best * audio.sampleRate) / analyser.fftSize;
  };
})();
