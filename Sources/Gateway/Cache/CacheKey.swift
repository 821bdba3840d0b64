import Crypto

// What an answer is stored under.
//
//   route | method class | path | query … | varying request fields …
//     └──── each field: its length (4 bytes) and its bytes, so no two lists of fields
//           read alike, whatever a client puts into them
//
// In the process the bytes themselves are the key, found by a hash that is seeded afresh in
// each process. The SHA-256 digest is made only when the second level is asked.

/// The unambiguous name of one cached answer: route, path, query and varying request fields.
///
/// Make it with a `Builder` that lives as long as its connection: while no one keeps the key,
/// the builder's memory is used again and a look-up allocates nothing.
package struct CacheKey: Hashable, Sendable {
    let bytes: [UInt8]
    private let hash: Int

    init(bytes: [UInt8]) {
        self.bytes = bytes
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        self.hash = hasher.finalize()
    }

    /// Whether both were built from the same fields in the same order.
    package static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.hash == right.hash && left.bytes == right.bytes
    }

    /// Feeds the hash that was taken once, when the key was built.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
    }

    /// The SHA-256 of the key in lower-case hex, for the second level.
    package var digest: String { Hexadecimal.text(of: SHA256.hash(data: bytes)) }
}

extension CacheKey {
    /// Lays the fields of a key out, one after the other.
    package struct Builder: Sendable {
        private var bytes: [UInt8] = []

        /// A builder with room for a usual key.
        package init() {
            bytes.reserveCapacity(256)
        }

        /// Forgets the last key and starts the one of `route`.
        ///
        /// GET and HEAD share their answers, so the method is not a field of its own.
        package mutating func begin(route: String) {
            bytes.removeAll(keepingCapacity: true)
            add(route)
        }

        /// Adds one field, with its length before it.
        package mutating func add(_ text: String) {
            var text = text
            text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
        }

        /// Adds one field, with its length before it.
        package mutating func add(_ field: UnsafeRawBufferPointer) {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: field.count).littleEndian) {
                bytes.append(contentsOf: $0)
            }
            bytes.append(contentsOf: field)
        }

        /// Adds a request field that the answer varies with; an absent field differs from an
        /// empty one.
        package mutating func add(varying value: String?) {
            guard let value else {
                return add("-")
            }
            add("+" + value)
        }

        /// The key of the fields added since `begin`.
        package var key: CacheKey { CacheKey(bytes: bytes) }
    }
}

/// Bytes as lower-case hex.
enum Hexadecimal {
    static func text(of bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
