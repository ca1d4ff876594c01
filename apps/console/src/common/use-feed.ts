// The one feed client of the page and what the browser lends it: its socket, its timers, its digest.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { FeedClient, type FeedPorts, type FeedSnapshot } from '../feed.js';

const ports: FeedPorts = {
  open(handlers) {
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${window.location.host}/feed`);
    socket.onopen = () => handlers.opened();
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === 'string') handlers.text(event.data);
    };
    socket.onclose = () => handlers.closed();
    return { send: (text) => socket.send(text), close: () => socket.close() };
  },
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  async sha256(text) {
    // Browsers offer a digest on https and on localhost only; elsewhere the figures are shown unchecked.
    if (globalThis.crypto.subtle === undefined) return null;
    const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  },
};

/** Follows the pools of one race; nothing while `raceId` is null. */
export function useFeed(raceId: string | null): FeedSnapshot {
  const [client] = useState(() => new FeedClient(ports));
  const started = raceId !== null;
  useEffect(() => {
    if (!started) return;
    client.start({ races: [] });
    return () => client.stop();
  }, [client, started]);
  useEffect(() => {
    if (raceId !== null) client.follow({ races: [raceId] });
  }, [client, raceId]);
  return useSyncExternalStore(client.subscribe, client.snapshot);
}
