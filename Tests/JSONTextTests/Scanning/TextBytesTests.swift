import JSONText
import Testing

/// Looking at eight bytes at once finds what looking at each would.
@Suite(.timeLimit(.minutes(1)))
struct TextBytesTests {
    /// Every byte at every place of texts that are shorter and longer than a word, alone and
    /// in front of another that is special.
    private static let texts: [[UInt8]] = (0...255).flatMap { byte -> [[UInt8]] in
        (0..<19).flatMap { place -> [[UInt8]] in
            var text = [UInt8](repeating: UInt8(ascii: "a"), count: 19)
            text[place] = UInt8(byte)
            let alone = text
            if place < 18 { text[place + 1] = 0x22 }
            return [alone, text, Array(alone.prefix(place + 1))]
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
    }

    @Test func aRunEndsWhereTheFirstByteIsNotPlain() {
        for text in Self.texts {
            for start in [0, 3, text.count] where start <= text.count {
                let length = text.withUnsafeBufferPointer { $0.plainLength(from: start) }
                #expect(length == text[start...].prefix(while: Self.isPlain).count, "\(text)")
            }
        }
    }

    @Test func whatNeedsEscapesIsFound() {
        for text in Self.texts {
            let needs = text.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }
            #expect(text.withUnsafeBufferPointer { $0.needEscapes } == needs, "\(text)")
        }
    }

    @Test func asciiIsToldFromTheRest() {
        for text in Self.texts {
            let isASCII = text.allSatisfy { $0 < 0x80 }
            #expect(text.withUnsafeBufferPointer { $0.areASCII } == isASCII, "\(text)")
        }
    }

    @Test func brokenUTF8IsFound() {
        var generator = SystemRandomNumberGenerator()
        let scalars = ["a", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10FFFF}"]
        for _ in 0..<100_000 {
            var text = (0..<6).flatMap { _ in Array((scalars.randomElement() ?? "").utf8) }
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                text[Int.random(in: 0..<text.count, using: &generator)] = generator.next()
            }
            let isUTF8 = String(validating: text, as: UTF8.self) != nil
            #expect(text.withUnsafeBufferPointer { $0.areUTF8 } == isUTF8, "\(text)")
        }
    }

    @Test func lineBreaksAreFound() {
        for text in Self.texts {
            let breaks = text.contains { $0 == 0x0A || $0 == 0x0D }
            #expect(text.withUnsafeBufferPointer { $0.hasLineBreak } == breaks, "\(text)")
        }
    }

    @Test func textsAreComparedAsAWhole() {
        let text = Array("type".utf8)
        text.withUnsafeBufferPointer { text in
            #expect(text.equal("type"))
            #expect(!text.equal("typ"))
            #expect(!text.equal("types"))
            #expect(!text.equal("tyre"))
        }
    }
}
