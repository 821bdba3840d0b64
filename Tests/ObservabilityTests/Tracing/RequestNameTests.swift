import Observability
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RequestNameTests {
    @Test func newNamesDifferAndAreAcceptedElsewhere() {
        let names = Set((0..<100).map { _ in RequestName() })

        #expect(names.count == 100)
        #expect(names.allSatisfy { RequestName(accepting: $0.description) == $0 })
    }

    @Test(arguments: [
        "1", "a-b_c.d~e", "4bf92f35:77b3", "x/y+z==", "u@h", String(repeating: "a", count: 128),
    ])
    func harmlessNamesAreKept(name: String) {
        #expect(RequestName(accepting: name)?.description == name)
    }

    @Test(arguments: [
        "", " ", "a b", "a\r\nX-Evil: 1", "a\nb", "é", "a\"b", "a{b}", "a%0a", "a;b", "a,b", "<s>",
        "\u{0}", String(repeating: "a", count: 129),
    ])
    func harmfulNamesAreRefused(name: String) {
        #expect(RequestName(accepting: name) == nil)
    }
}
