"""prepare NETWORK MODELS IN.npz: samples of a network of the collection. check NETWORK MODELS OUT.npz: what the compiled float network made of them."""
import sys

import numpy as np

CLIPS, CHUNKS = 8, 31  # voice activity: chunks of 512 samples with 64 of context
NOISY, FRAMES, HOP = 2, 63, 256  # speech enhancement: frames of 512 samples
WINDOW = np.sqrt(np.hanning(513)[:512])


def load(models, network):
    return np.load("%s/%s/data_eval.npz" % (models, network))


def prepare(network, models, path):
    data = load(models, network)
    if network == "jvowels_conv1d":
        np.savez(path, input=data["input"][:, None])
    elif network == "stories260k_llama":
        np.savez(path, tokens=data["tokens"][:, None].astype(np.int64))
    elif network == "silero_vad":
        wav = np.pad(data["wav"][:CLIPS].astype(np.float32) / 32768, ((0, 0), (64, 0)))
        chunks = [clip[512 * i:512 * i + 576] for clip in wav for i in range(CHUNKS)]
        np.savez(path, input=np.array(chunks)[:, None])
    else:
        noisy = np.pad(data["noisy"][:NOISY] / 32768.0, ((0, 0), (256, 256)))
        spectra = np.array([np.fft.rfft(clip[HOP * i:HOP * i + 512] * WINDOW) for clip in noisy for i in range(FRAMES)])
        np.savez(path, mix=np.stack([spectra.real, spectra.imag], 2).astype(np.float32).reshape(-1, 1, 257, 1, 2))


def distortion(estimate, clean):
    """SI-SDR in dB."""
    e, c = estimate - estimate.mean(), clean - clean.mean()
    target = (e @ c) / (c @ c) * c
    return 10 * np.log10((target @ target) / ((e - target) @ (e - target)))


def check(network, models, path):
    data, out = load(models, network), np.load(path)
    if network == "jvowels_conv1d":
        print("top-1: %.2f" % (100 * np.mean(out["output"].reshape(-1, 9).argmax(1) == data["y"])))
    elif network == "stories260k_llama":
        logits = out["logits"].reshape(-1, 128, 512)
        print("next token: %.2f" % (100 * np.mean(logits.argmax(2) == data["y"])))
    elif network == "silero_vad":
        error = np.abs(out["output"].reshape(CLIPS, CHUNKS) - data["prob"][:CLIPS]).max()
        assert error < 1e-5, error
        print("probabilities agree")
    else:
        enhanced = out["enh"].reshape(NOISY, FRAMES, 257, 2)
        for clip, noisy, clean in zip(enhanced, data["noisy"].astype(float), data["clean"].astype(float)):
            wave = np.zeros(HOP * (FRAMES + 1))
            for i, frame in enumerate(clip):
                wave[HOP * i:HOP * i + 512] += np.fft.irfft(frame[:, 0] + 1j * frame[:, 1]) * WINDOW
            length = HOP * (FRAMES - 1)
            gain = distortion(wave[HOP:HOP + length], clean[:length]) - distortion(noisy[:length], clean[:length])
            assert gain > 5, gain
        print("speech is clearer")


{"prepare": prepare, "check": check}[sys.argv[1]](*sys.argv[2:])
