/// Countries as ISO 3166-1 alpha-2 names them, and what each calls a postcode.
package enum CountryCode {
    /// Whether the two capital letters are assigned to a country.
    package static func isAssigned(_ code: String) -> Bool { assigned.contains(code) }

    /// What the country's addresses have for a postcode.
    static func postcodes(in code: String) -> PostcodeRule {
        if withoutPostcodes.contains(code) { return .optional }
        return shapes[code].map(PostcodeRule.shaped) ?? .free
    }

    private static let assigned = words(
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
        BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM
        DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
        GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
        KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
        MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
        PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
        SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
        VN VU WF WS YE YT ZA ZM ZW
        """)

    /// Where there are none, or where most addresses are written without.
    private static let withoutPostcodes = words(
        """
        AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CL CM CW DJ DM ER FJ GA GD GH GM
        GQ GY HK HM IE JM KI KM KN KP LY MA ML MO MR MW NA NR NU PA QA RW SB SC SL SO SR ST SX SY
        TD TF TG TK TL TO TT TV UG VC VU WS YE ZW
        """)

    /// The countries whose postcodes have one shape that everybody keeps to.
    private static let shapes: [String: [String]] = {
        var shapes: [String: [String]] = [:]
        func add(_ shape: [String], _ countries: String) {
            for country in words(countries) { shapes[country] = shape }
        }
        add(["9999"], "AM AT AU BD BE BG CH CY DK GE GL HU LI LU LV MD MK NO NZ PH SI SJ TN ZA")
        add(
            ["99999"],
            "AX BA CZ DE DZ EE EG ES FI FR GR HR ID IT KR LT MC ME MX MY PE PK PL RS SE SK SM TH "
                + "TR UA UY VA")
        add(["999999"], "BY CN CO IN KG KZ RO RU SG TJ")
        add(["99999", "999999999"], "PR SA US")
        add(["9999", "9999999"], "PT")
        add(["99999", "9999999"], "IL")
        add(["9999999"], "JP")
        add(["99999999"], "BR")
        add(["9999", "9999AA"], "NL")
        add(["A9A9A9"], "CA")
        add(["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA", "AAA9AA"], "GB")
        return shapes
    }()

    private static func words(_ text: String) -> Set<String> {
        Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}

/// What a country's addresses have for a postcode.
enum PostcodeRule: Equatable {
    /// None, or one that may be left out.
    case optional
    /// One, of whatever shape.
    case free
    /// One of these shapes: `9` is a digit, `A` a letter.
    case shaped([String])

    /// Whether a postcode, which is not blank, can be one.
    ///
    /// Spaces, dashes and the letter case are the writer's choice; so is the country in front of
    /// digits, as in `D-10115`.
    func allows(_ postcode: String) -> Bool {
        guard postcode.unicodeScalars.contains(where: { $0.properties.isAlphabetic || isDigit($0) })
        else { return false }
        guard case .shaped(let shapes) = self else { return true }
        let signs = postcode.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "-") }
        return shapes.contains { shape in
            let isDigitsOnly = !shape.utf8.contains(UInt8(ascii: "A"))
            let written = isDigitsOnly ? signs.drop { isLetter($0) } : signs[...]
            return signs.count - written.count <= 3 && written.count == shape.utf8.count
                && zip(written, shape.utf8).allSatisfy { sign, place in
                    place == UInt8(ascii: "9") ? sign &- 0x30 < 10 : isLetter(sign)
                }
        }
    }

    /// How such a postcode looks, for who wrote another: `5 digits`, or `A9A9A9 or A99AA`, where
    /// `9` is a digit and `A` a letter.
    var form: String? {
        guard case .shaped(let shapes) = self else { return nil }
        let digits = shapes.filter { !$0.utf8.contains(UInt8(ascii: "A")) }
        let counts = digits.map { String($0.utf8.count) }.joined(separator: " or ")
        let others = shapes.filter { $0.utf8.contains(UInt8(ascii: "A")) }.joined(separator: ", ")
        return [
            counts.isEmpty ? nil : "\(counts) digits",
            others.isEmpty ? nil : "written like \(others), A for a letter and 9 for a digit",
        ].compactMap { $0 }.joined(separator: ", or ")
    }

    private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    private func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.numericType == .decimal
    }
}
