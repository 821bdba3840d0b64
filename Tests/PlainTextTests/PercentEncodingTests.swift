import PlainText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PercentEncodingTests {
    @Test(arguments: [
        ("", ""), ("aZ09._~-", "aZ09._~-"), ("a b/c?d", "a%20b%2Fc%3Fd"), ("{é}", "%7B%C3%A9%7D"),
        ("%41", "%2541"), ("\n\u{0}", "%0A%00"),
    ])
    func whatIsEncodedComesBack(text: String, encoded: String) {
        #expect(PercentEncoding.encode(text) == encoded)
        #expect(PercentEncoding.decode(encoded) == text)
    }

    @Test func digitsMayHaveEitherCase() {
        #expect(PercentEncoding.decode("%c3%A9%2f") == "é/")
    }

    @Test(arguments: ["%", "%4", "a%4", "%G0", "%0g", "%%41"])
    func aBrokenEscapeIsNone(text: String) {
        #expect(PercentEncoding.decode(text) == nil)
        #expect(PercentEncoding.bytes(text) == nil)
    }

    @Test func whatIsNotUTF8IsBytesAndNoText() {
        #expect(PercentEncoding.bytes("%FFa") == [0xFF, 0x61])
        #expect(PercentEncoding.decode("%FFa") == nil)
    }

    @Test func aPlusIsASpaceWhereItIsSaidSo() {
        #expect(PercentEncoding.decode("a+b%2B") == "a+b+")
        #expect(PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    }

    @Test func plainBytesAreTheUnreservedOnes() {
        let plain = (0...255).map { UInt8($0) }.filter(PercentEncoding.isPlain)
        let letters = "abcdefghijklmnopqrstuvwxyz"
        let wanted = letters + letters.uppercased() + "0123456789-._~"

        #expect(plain == wanted.utf8.sorted())
    }
}
