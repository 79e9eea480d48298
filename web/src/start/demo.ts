/** Demonstration sessions, as the server opens them in demo mode. */
import { JOIN_TIMEOUT_MS } from '../lib/limits';

export type DemoPartner = 'robot' | 'window' | 'phone';

export interface DemoSession {
  customer_url: string;
  technician_url: string;
  phone: { url: string } | null;
}

/** Whether the server offers demonstrations: its API document names them in demo mode only. */
export async function isDemo(base: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('api/openapi.json', base), {
      signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
    });
    const document = (await response.json()) as { paths: Record<string, unknown> };
    return '/api/v1/demo/sessions' in document.paths;
  } catch {
    return false;
  }
}

/** Open a session. Rejects with a sentence of the server, or of the browser. */
export async function openDemo(base: string, partner: DemoPartner): Promise<DemoSession> {
  const response = await fetch(new URL('api/v1/demo/sessions', base), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ with: partner }),
    signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
  });
  const body = (await response.json()) as DemoSession & { detail?: string };
  if (!response.ok) throw new Error(body.detail ?? `HTTP ${response.status}`);
  return body;
}
