// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface Token {
    function balanceOf(address owner) external view returns (uint256);
    function transfer(address to, uint256 units) external returns (bool);
    function transferFrom(address from, address to, uint256 units) external returns (bool);
}

/// Swaps ether for one token and back at a fixed price. Fill it by sending it ether and tokens.
contract Pool {
    Token public immutable token;
    uint256 public immutable unitsPerEther;
    constructor(Token t, uint256 price) { token = t; unitsPerEther = price; }
    receive() external payable {}
    function buy() external payable {
        require(token.transfer(msg.sender, msg.value * unitsPerEther / 1 ether), "token");
    }
    function sell(uint256 units) external {
        require(token.transferFrom(msg.sender, address(this), units), "token");
        (bool ok,) = msg.sender.call{value: units * 1 ether / unitsPerEther}("");
        require(ok, "ether");
    }
}

/// A customer's deposit address as exchanges make them: what comes in goes on to the exchange.
contract Deposit {
    address payable public immutable exchange;
    constructor(address payable e) { exchange = e; }
    receive() external payable { (bool ok,) = exchange.call{value: msg.value}(""); require(ok, "ether"); }
    function sweep(Token token) external { require(token.transfer(exchange, token.balanceOf(address(this))), "token"); }
}
