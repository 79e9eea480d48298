/** Fetch the receipt with the participant's own token; a plain link could not carry it. */
import { JOIN_TIMEOUT_MS } from '../lib/limits';

export async function fetchReceipt(
  base: string,
  sessionId: string,
  token: string,
  accept: string,
  locale: string,
): Promise<Blob> {
  const url = new URL(`api/v1/sessions/${encodeURIComponent(sessionId)}/receipt`, base);
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${token}`, Accept: accept, 'Accept-Language': locale },
    signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The receipt was not given: ${response.status}.`);
  return response.blob();
}
