import Testing

@testable import ServiceHTTP

@Suite(.timeLimit(.minutes(1)))
struct FieldReaderCodesTests {
    /// The postcode that is read, or the pointers of what is wrong.
    private func read(_ json: String) -> String {
        do {
            return try JSONDocument(Array(json.utf8)).read { fields in
                fields.postcode("postcode", in: fields.country("country"))
            }
        } catch {
            let pointers = error.faults.compactMap { fault in
                if case .pointer(let pointer) = fault.place { pointer } else { nil }
            }
            return pointers.joined(separator: " ")
        }
    }

    @Test(arguments: ["HK", "AE", "IE", "AQ", "QA"])
    func wherePostcodesAreNotInUseNoneIsNeeded(_ country: String) {
        for postcode in ["\"\"", "null", "\" \"", "\"\u{200B}\"", "\"\u{A0}\""] {
            #expect(read(#"{"country":"\#(country)","postcode":\#(postcode)}"#) == "")
        }
        #expect(read(#"{"country":"\#(country)"}"#) == "")
        #expect(read(#"{"country":"\#(country)","postcode":"D02 X285"}"#) == "D02 X285")
        #expect(read(#"{"country":"\#(country)","postcode":7}"#) == "/postcode")
    }

    @Test(arguments: [
        ("DE", "10115"), ("DE", "D-10115"), ("GB", "sw1a 1aa"), ("GB", "M1 1AE"), ("NL", "3511 AB"),
        ("NL", "3511"), ("CA", "K1A 0B1"), ("US", "20500"), ("US", "20500-0003"),
        ("JP", "100-8111"),
        ("SE", "111 22"), ("PL", "00-950"), ("PT", "1000-001"), ("LV", "LV-1010"),
        ("BR", "01310-100"),
        ("AR", "C1425CLA"), ("VN", "100000"), ("IL", "9614303"),
    ])
    func postcodesAreReadAsTheirCountriesWriteThem(_ country: String, _ postcode: String) {
        #expect(read(#"{"country":"\#(country)","postcode":"\#(postcode)"}"#) == postcode)
    }

    @Test(arguments: [
        ("DE", "\"\""), ("DE", "null"), ("DE", #""1011""#), ("DE", #""ABCDE""#),
        ("GB", #""10115""#),
        ("NL", #""3511 A""#), ("CA", #""KKK 000""#), ("US", #""2050""#), ("AR", #""-""#),
        ("DE", #""ABCD-10115""#), ("JP", "\"\u{200B}\""), ("FR", #""7500１""#),
    ])
    func otherPostcodesAreNot(_ country: String, _ postcode: String) {
        #expect(read(#"{"country":"\#(country)","postcode":\#(postcode)}"#) == "/postcode")
    }

    @Test func whoWritesAnotherIsToldHowTheyLook() {
        #expect(CountryCode.postcodes(in: "DE").form == "5 digits")
        #expect(CountryCode.postcodes(in: "US").form == "5 or 9 digits")
        #expect(
            CountryCode.postcodes(in: "NL").form
                == "4 digits, or written like 9999AA, A for a letter and 9 for a digit")
        #expect(CountryCode.postcodes(in: "AR").form == nil)
    }

    @Test(arguments: ["ZZ", "EU", "UK", "XX", "de", "DEU", "D", ""])
    func whatIsNotACountryIsRefusedAlone(_ country: String) {
        #expect(read(#"{"country":"\#(country)","postcode":"1"}"#) == "/country")
    }

    @Test func currenciesThatCanBePaidInAreKnownWithTheirMinorUnits() {
        let digits = ["EUR", "JPY", "KWD", "CLF", "XCG"].map(CurrencyCode.minorUnitDigits)

        #expect(digits == [2, 0, 3, 4, 2])
        for code in ["XXX", "XTS", "XAU", "XDR", "HRK", "DEM", "eur", "EU", "ABC", ""] {
            #expect(CurrencyCode.minorUnitDigits(of: code) == nil, "\(code)")
        }
    }

    @Test(arguments: ["\u{200B}", "\u{A0}", "\u{FEFF}", "\u{3164}", "\u{2800} \u{AD}", "\u{2060}"])
    func whatCannotBeSeenIsBlank(_ text: String) throws {
        let document = try JSONDocument(Array(#"{"street":"\#(text)"}"#.utf8))

        #expect(throws: Problem.self) { try document.read { $0.string("street") } }
    }

    @Test func identifiersThatAreUUIDsAreReadInLowerCase() throws {
        let capitals = "0190A7C2-7D1E-7C3A-8B2F-2A1B3C4D5E6F"
        let document = try JSONDocument(Array(#"{"id":"\#(capitals)","other":"ABC"}"#.utf8))
        let read = try document.read { [$0.identifier("id"), $0.identifier("other")] }

        #expect(read == [capitals.lowercased(), "ABC"])
    }

    @Test func aByteOrderMarkBeforeADocumentIsPassedOver() throws {
        let document = try JSONDocument([0xEF, 0xBB, 0xBF] + Array(#"{"a":1}"#.utf8))
        let problem = #expect(throws: Problem.self) {
            try JSONDocument([0xEF, 0xBB, 0xBF] + Array("?".utf8))
        }

        #expect(try document.read { $0.integer("a", in: 0...9) } == 1)
        #expect(document.bytes.count == 10)
        #expect(problem?.detail.contains("at byte 3") == true)
    }
}
