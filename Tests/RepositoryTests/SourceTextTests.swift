import Testing

/// The rules are only as good as their reading of the source.
@Suite(.timeLimit(.minutes(1)))
struct SourceTextTests {
    @Test(arguments: [
        ("a // b { \nc", "a        \nc"),
        ("a /* b /* { */ } */ c", "a                   c"),
        (#"let a = "{ \" }" + b"#, #"let a = "      " + b"#),
        (#"x("a\(f("b{") + "c")d")!"#, #"x("   f("  ") + " "  ")!"#),
        ("#\"a\" {\"# }", "#\"    \"# }"),
        ("a #/[\"{]/# b", "a          b"),
        ("\"\"\"\n { \"\n\"\"\" }", "\"\"\"\n    \n\"\"\" }"),
    ])
    func commentsAndStringsBecomeBlanks(source: String, expected: String) {
        #expect(SourceText.blanked(source) == expected)
    }
}
