#pragma once

#include <array>
#include <string_view>

namespace rondo::testing {

/// The points of Curve25519 of order 1, 2, 4 and 8 below 2^255, in both of their encodings where
/// there are two: with each of them everybody agrees on the same secret.
inline constexpr std::array<std::string_view, 7> kLowOrderPoints = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

}  // namespace rondo::testing
