/// Currencies as ISO 4217 names them, with the digits of their minor unit.
///
/// Codes without a minor unit (gold, special drawing rights, tests) are left out: an amount in
/// minor units of them means nothing. So are currencies that are not in use any more.
package enum CurrencyCode {
    /// How many digits the minor unit has: 2 for EUR, whose cent is a hundredth.
    ///
    /// `nil` for what is not a currency that can be paid in.
    package static func minorUnitDigits(of code: String) -> Int? { digits[code] }

    private static let digits: [String: Int] = {
        var digits: [String: Int] = [:]
        for (count, codes) in byDigits {
            for code in codes.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
                digits[String(code)] = count
            }
        }
        return digits
    }()

    private static let byDigits = [
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
        GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
        LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
        XCD XCG YER ZAR ZMW ZWG
        """,
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    ]
}
