/** What a broker answers when it is asked for its versions, as bytes of the protocol. */

/** As a broker of 3.9 gives it: Fetch (1) from version 0 on. */
export function versionsOf3(): Buffer {
  const apis: readonly (readonly [number, number, number])[] = [
    [0, 0, 11],
    [1, 0, 17],
    [18, 0, 4],
  ];
  const body = Buffer.alloc(10 + 6 * apis.length);
  body.writeInt32BE(1, 0);
  body.writeInt32BE(apis.length, 6);
  apis.forEach((api, i) => {
    api.forEach((value, j) => {
      body.writeInt16BE(value, 10 + 6 * i + 2 * j);
    });
  });
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}
