// SHA-1 (FIPS 180-4), by which Redis names scripts:
//
//   text, 0x80, zeros, length in bits ──▶ blocks of 16 words ──▶ 80 words ──▶ 80 rounds ──▶ state
//
// It guards nothing here. A library for it would be most of what a first build takes.

/// The name under which a server remembers a script.
enum ScriptDigest {
    private typealias State = (a: UInt32, b: UInt32, c: UInt32, d: UInt32, e: UInt32)

    /// The SHA-1 of a text in 40 hexadecimal digits.
    static func hexadecimal(of text: some Sequence<UInt8>) -> String {
        let bytes = padded(Array(text))
        var state: State = (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0)
        for start in stride(from: 0, to: bytes.count, by: 64) {
            add(bytes[start..<(start + 64)], to: &state)
        }
        return [state.a, state.b, state.c, state.d, state.e].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private static func padded(_ text: [UInt8]) -> [UInt8] {
        let zeros = (119 - text.count % 64) % 64
        let bits = UInt64(text.count) * 8
        let length = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        return text + [0x80] + [UInt8](repeating: 0, count: zeros) + length
    }

    private static func add(_ block: ArraySlice<UInt8>, to state: inout State) {
        var words: [UInt32] = []
        words.reserveCapacity(80)
        for start in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            words.append(block[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<80 {
            let mixed =
                words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
            words.append(turned(mixed, by: 1))
        }
        var now = state
        for (index, word) in words.enumerated() {
            let (choice, constant) = round(index, now)
            let next = turned(now.a, by: 5) &+ choice &+ now.e &+ constant &+ word
            now = (next, now.a, turned(now.b, by: 30), now.c, now.d)
        }
        state = (
            state.a &+ now.a, state.b &+ now.b, state.c &+ now.c, state.d &+ now.d,
            state.e &+ now.e
        )
    }

    private static func round(_ index: Int, _ now: State) -> (choice: UInt32, constant: UInt32) {
        switch index {
        case ..<20: ((now.b & now.c) | (~now.b & now.d), 0x5A82_7999)
        case ..<40: (now.b ^ now.c ^ now.d, 0x6ED9_EBA1)
        case ..<60: ((now.b & now.c) | (now.b & now.d) | (now.c & now.d), 0x8F1B_BCDC)
        default: (now.b ^ now.c ^ now.d, 0xCA62_C1D6)
        }
    }

    private static func turned(_ word: UInt32, by count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}
