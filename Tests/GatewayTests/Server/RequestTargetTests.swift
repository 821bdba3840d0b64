import Gateway
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(3)))
struct RequestTargetTests {
    static func normalForm(_ target: String) throws -> String {
        var parser = RequestParser()
        parser.feed(ByteBuffer(string: "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"))
        guard case .head(let head) = try parser.next() else { return "" }
        return head.target.text
    }

    @Test(arguments: [
        ("/", "/"), ("/orders/1", "/orders/1"), ("/orders/1/", "/orders/1/"),
        ("//orders///1//", "/orders/1/"), ("/./orders/./1", "/orders/1"), ("//", "/"),
        ("/orders/1/.", "/orders/1/"), ("/orders/1/x/..", "/orders/1/"), ("/orders/..", "/"),
        ("/orders/x/../1", "/orders/1"), ("/orders/%2e%2E/users", "/users"),
        ("/%6Frders/%7e", "/orders/~"), ("/a%c3%bc", "/a%C3%BC"), ("/a%20b", "/a%20b"),
        ("/a;v=1/b", "/a;v=1/b"), ("/.well-known/x", "/.well-known/x"), ("/...", "/..."),
        ("/a?", "/a?"), ("/a?b=c&d=%2fe", "/a?b=c&d=%2Fe"), ("/a?b=/../c", "/a?b=/../c"),
        ("/a?%0d%0a", "/a?%0D%0A"), ("/a?x=[1]", "/a?x=[1]"), ("/%7B%7D", "/%7B%7D"),
    ])
    func spellingsOfOnePathBecomeOneForm(_ raw: String, _ expected: String) throws {
        #expect(try Self.normalForm(raw) == expected)
    }

    /// WHATWG URL leaves these unescaped, so browsers and `fetch` send them; curl sends raw UTF-8.
    @Test(arguments: [
        ("/a?f={a|b}", "/a?f=%7Ba%7Cb%7D"), ("/a?q=x^2`", "/a?q=x%5E2%60"),
        ("/a?p=c:\\d", "/a?p=c:%5Cd"), ("/a?d=100%", "/a?d=100%25"),
        ("/a?d=5%&e=%zz", "/a?d=5%25&e=%25zz"),
        ("/a?d=%2", "/a?d=%252"), ("/a?q=ü", "/a?q=%C3%BC"), ("/ü/x", "/%C3%BC/x"),
        ("/a[1]", "/a%5B1%5D"), ("/a|b/", "/a%7Cb/"), ("/a%5b1%5d", "/a%5B1%5D"),
        ("/a?b%", "/a?b%25"),
    ])
    func whatBrowsersSendUnescapedIsEscaped(_ raw: String, _ expected: String) throws {
        #expect(try Self.normalForm(raw) == expected)
        #expect(try Self.normalForm(expected) == expected)
    }

    @Test(arguments: [
        "/..", "/../etc", "/a/../../b", "/%2e%2e/x", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b",
        "/a%00", "/a%0ab", "/a%0d%0aX:1", "/a%7f", "/a%", "/a%2", "/a%zz", "/a#b", "/a%c0%af",
        "/a%ff", "/a\"b", "/a<b", "/{id}", "/a^b", "/a`b", "a/b", "?x", "/a?b#c", "/a?\"", "/a?<",
        "/a/..;/b",
        "/a/..;x=1", "/a/%2e%2e%3b/b", "/a/.;/b",
    ])
    func whatCouldBeReadTwoWaysIsRefused(_ raw: String) {
        #expect(throws: RequestFault.self) { try Self.normalForm(raw) }
    }
}
