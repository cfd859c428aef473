/**
 * Carrier: what a session needs of a connection. `transport.js` satisfies it over WebTransport, `websocket.js` over
 * a WebSocket, a double in the tests over memory.
 *
 * A stream's bytes are handed on one piece at a time: the next piece is read when the promise of the one before has
 * settled, so that a slow reader holds the sender back instead of filling memory.
 *
 * @typedef {object} CarrierReceiver
 * @property {(now: number) => void} carrierReady  Streams may be opened.
 * @property {(stream: number, data: Uint8Array, end: boolean, now: number) => Promise<void>} streamReceived
 * @property {(stream: number, code: number, now: number) => void} streamReset  The peer abandoned its side.
 * @property {(stream: number, now: number) => void} streamWritable  What was queued on a stream has been taken.
 * @property {(data: Uint8Array, now: number) => void} datagramReceived  The leading zero byte is included (spec
 * 05-media).
 * @property {(code: number, text: string, now: number) => void} carrierLost  Nothing more will be told.
 *
 * @typedef {object} Carrier
 * @property {number} heardAt  When anything last arrived.
 * @property {boolean} reliableDatagrams  They travel as a stream does: late rather than lost (TCP).
 * @property {() => number} openStream  Open a bidirectional stream and return its number.
 * @property {(stream: number, data: Uint8Array, end?: boolean) => void} sendStream  Queue bytes.
 * @property {(stream: number) => void} setStreamBulk  It leaves after the others.
 * @property {(stream: number, code: number) => void} resetStream  Abandon both directions.
 * @property {(stream: number) => number} streamBacklog  Bytes queued and not yet taken by the connection.
 * @property {(roundTrip: number) => void} [measured]  A round trip takes so many milliseconds; where reports are made.
 * @property {(code: number, text: string) => void} close
 */

export {};
