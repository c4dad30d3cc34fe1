// A ZIP file of blobs, stored without compression: pictures don't get smaller.
// APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

const PIECE = 4 * 2 ** 20;
const LARGEST = 0xffffffff; // beyond, ZIP64 would be needed

async function checksum(blob) {
  let crc = 0xffffffff;
  for (let start = 0; start < blob.size; start += PIECE) {
    const piece = new Uint8Array(await blob.slice(start, start + PIECE).arrayBuffer());
    for (const byte of piece) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Give every name once: a.png, a (2).png. */
export function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    const dot = name.lastIndexOf(".") > 0 ? name.lastIndexOf(".") : name.length;
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count += 1) {
      free = `${name.slice(0, dot)} (${count})${name.slice(dot)}`;
    }
    taken.add(free.toLowerCase());
    return free;
  });
}

function record(length, fields) {
  const view = new DataView(new ArrayBuffer(length));
  for (const [offset, size, value] of fields) {
    if (size === 4) view.setUint32(offset, value, true);
    else view.setUint16(offset, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** What the local header and the central directory both say, from `offset` on. */
function common(offset, moment, crc, size, nameLength) {
  const time = (moment.getHours() << 11) | (moment.getMinutes() << 5) | (moment.getSeconds() >> 1);
  const date = ((moment.getFullYear() - 1980) << 9) | ((moment.getMonth() + 1) << 5) | moment.getDate();
  return [
    [offset, 2, 20], // version needed
    [offset + 2, 2, 0x0800], // names are UTF-8
    [offset + 4, 2, 0], // stored
    [offset + 6, 2, time],
    [offset + 8, 2, date],
    [offset + 10, 4, crc],
    [offset + 14, 4, size],
    [offset + 18, 4, size],
    [offset + 22, 2, nameLength],
  ];
}

/** Pack `files`, each with `name` and `blob`, as one blob. */
export async function zip(files) {
  const total = files.reduce((sum, file) => sum + file.blob.size + 2 * file.name.length + 256, 0);
  if (total > LARGEST) throw new RangeError("Together they are too large for one zip file. Download them one by one.");
  const names = unique(files.map((file) => file.name));
  const moment = new Date();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [index, { blob }] of files.entries()) {
    const name = new TextEncoder().encode(names[index]);
    const crc = await checksum(blob);
    const local = record(30, [[0, 4, 0x04034b50], ...common(4, moment, crc, blob.size, name.length)]);
    const central = record(46, [
      [0, 4, 0x02014b50],
      [4, 2, 20],
      ...common(6, moment, crc, blob.size, name.length),
      [42, 4, offset],
    ]);
    parts.push(local, name, blob);
    directory.push(central, name);
    offset += local.length + name.length + blob.size;
  }
  const length = directory.reduce((sum, piece) => sum + piece.length, 0);
  const end = record(22, [
    [0, 4, 0x06054b50],
    [8, 2, files.length],
    [10, 2, files.length],
    [12, 4, length],
    [16, 4, offset],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
